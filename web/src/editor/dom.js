// Elements, made of texts alone: nothing here reads HTML.

/**
 * An element. Attributes that are functions listen (`onclick` is the event `click`), `true` is an attribute without a value,
 * and those that are null or false are left out. Children are nodes or texts; null is none.
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Puts these in place of what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
}

/** A text of so many characters at most. */
export function shortened(text, most) {
  const characters = Array.from(text);
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join("")}…`;
}

/** A value as people read it: texts in quotes, what is not there as `nothing`. */
export function told(value) {
  if (value === undefined || value === null) return "nothing";
  return JSON.stringify(value);
}

/** `1 finding`, `2 findings`. */
export function counted(number, one, many = `${one}s`) {
  return `${number} ${number === 1 ? one : many}`;
}

/** A mark that is told by its form and its word, not by its colour alone. */
export function mark(kind, word) {
  const signs = { good: "✓", bad: "✗", warn: "!", none: "–" };
  return el("span", { class: `ed-mark ed-${kind}` }, el("span", { "aria-hidden": "true" }, signs[kind] ?? "–"), ` ${word}`);
}
