// The filters of templates, for completion. docs/templates.md says what each gives.

/** By what they are about. */
const GROUPS = {
  "any value": "default json raw size",
  text: `append prepend capitalize downcase upcase strip lstrip rstrip strip_newlines newline_to_br strip_html remove remove_first
    remove_last replace replace_first replace_last slice split truncate truncatewords`,
  numbers: "abs at_least at_most ceil floor round plus minus times divided_by modulo",
  lists: "first last join sort sort_natural reverse uniq compact concat map where reject find find_index has sum",
  times: "date in_timezone timezone parse_time",
  encoding: `escape escape_once url_encode url_decode base64_encode base64_decode base64_url_safe_encode base64_url_safe_decode
    sha256 hmac_sha256`,
};
/** Those that take something behind a colon. */
const WITH_MORE = new Set(
  `default append prepend remove remove_first remove_last replace replace_first replace_last slice split truncate truncatewords
  at_least at_most round plus minus times divided_by modulo join concat map where reject find find_index has date in_timezone timezone
  parse_time hmac_sha256`.split(/\s+/),
);

/** Every filter as an option of completion. */
export const FILTERS = Object.entries(GROUPS).flatMap(([detail, names]) =>
  names.split(/\s+/).map((label) => ({ label, detail, type: "function", apply: WITH_MORE.has(label) ? `${label}: ` : label })),
);
