// What the JSON Schema of rules says of a place in one.

/** How often a reference or an alternative is followed: a schema may hold itself. */
const DEEPEST = 24;

/** What a pointer such as `#/definitions/step` names. */
function referred(root, pointer) {
  let at = root;
  for (const part of pointer.replace(/^#\/?/, "").split("/").filter(Boolean)) {
    at = at?.[decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return at;
}

/**
 * The plain schemas that a schema stands for: references followed, alternatives side by side. What is said of the whole goes
 * to those of its parts that say nothing.
 */
function flattened(root, schema, said = {}, depth = 0, found = []) {
  if (!schema || typeof schema !== "object" || depth > DEEPEST) return found;
  const own = { title: schema.title ?? said.title, description: schema.description ?? said.description };
  if (schema.$ref) flattened(root, referred(root, schema.$ref), own, depth + 1, found);
  for (const group of ["allOf", "anyOf", "oneOf"]) {
    for (const part of schema[group] ?? []) flattened(root, part, own, depth + 1, found);
  }
  const isLeaf = ["type", "properties", "enum", "const", "items", "examples", "patternProperties"].some((name) => name in schema);
  if (isLeaf || !["$ref", "allOf", "anyOf", "oneOf"].some((name) => name in schema)) found.push({ ...schema, ...own });
  return found;
}

/** The schemas one step below: of a key, or of the items of a list. */
function below(root, schema, step) {
  if (typeof step === "number") {
    const items = schema.prefixItems?.[step] ?? schema.items;
    return Array.isArray(items) ? items : [items];
  }
  const own = schema.properties && Object.hasOwn(schema.properties, step) ? [schema.properties[step]] : [];
  const named = Object.entries(schema.patternProperties ?? {}).filter(([pattern]) => matches(pattern, step));
  const found = [...own, ...named.map(([, one]) => one)];
  if (found.length || typeof schema.additionalProperties !== "object") return found;
  return [schema.additionalProperties];
}

function matches(pattern, text) {
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return false;
  }
}

/** The schemas that hold at a path, as plain ones. */
export function schemasAt(root, path) {
  let found = flattened(root, root);
  for (const step of path) {
    found = found.flatMap((schema) => below(root, schema, step)).flatMap((schema) => flattened(root, schema));
  }
  return found;
}

/** The keys that may stand at a path: name, what it is, its own schemas. */
export function keysAt(root, path) {
  const keys = new Map();
  for (const schema of schemasAt(root, path)) {
    for (const [name, one] of Object.entries(schema.properties ?? {})) {
      if (keys.has(name)) continue;
      keys.set(name, { name, schema: one, isWanted: Boolean(schema.required?.includes(name)) });
    }
  }
  return [...keys.values()];
}

/** What is said of a schema, and what it takes. */
export function about(root, schema) {
  const all = flattened(root, schema);
  const types = [...new Set(all.flatMap((one) => (one.enum ? [] : (one.type ?? (one.properties ? "object" : [])))))];
  const first = all.find((one) => one.description) ?? {};
  const title = schema?.title ?? first.title ?? "";
  const standard = all.find((one) => one.default !== undefined)?.default;
  return { title, description: schema?.description ?? first.description ?? "", types, standard, all };
}

/** The inputs that must be given, of a key whose value is a map and nothing else. Null where it may be something else. */
export function inputsOf(root, schema) {
  const { all, types } = about(root, schema);
  if (types.length !== 1 || types[0] !== "object") return null;
  return [...new Set(all.flatMap((one) => one.required ?? []))];
}

/** The values that are known at a path. */
export function valuesAt(root, path) {
  const values = new Map();
  for (const schema of schemasAt(root, path)) {
    for (const value of schema.enum ?? []) values.set(value, { value, description: schema.description });
    if (schema.const !== undefined) values.set(schema.const, { value: schema.const, description: schema.description });
    for (const value of schema.examples ?? []) if (!values.has(value)) values.set(value, { value, description: schema.description });
    if (schema.type === "boolean") for (const value of [true, false]) values.set(value, { value });
  }
  return [...values.values()];
}
