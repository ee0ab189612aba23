// Paths into an event, as conditions and templates write them.

/** Paths that are offered at most, and how deep they go. */
const MOST = 600;
const DEEPEST = 8;

/** `event` with one step more: a name, an index, or a name with other characters. */
export function joined(path, step) {
  if (typeof step === "number" || /^[A-Za-z_][\w-]*$/.test(step)) return `${path}.${step}`;
  return `${path}[${JSON.stringify(step)}]`;
}

/** Every path of a value with what is there, the upper ones first. Of a list, the first element. */
export function pathsOf(root, value) {
  const found = [];
  let level = [[root, value]];
  for (let depth = 0; depth < DEEPEST && level.length && found.length < MOST; depth += 1) {
    const next = [];
    for (const [path, one] of level) {
      if (depth > 0) found.push({ path, value: one });
      if (!one || typeof one !== "object") continue;
      const steps = Array.isArray(one) ? (one.length ? [[0, one[0]]] : []) : Object.entries(one);
      for (const [step, child] of steps) next.push([joined(path, step), child]);
    }
    level = next;
  }
  return found.slice(0, MOST);
}

/** What stands at a written path. Undefined where nothing does. */
export function lookUp(roots, written) {
  const steps = [...written.matchAll(/\["((?:[^"\\]|\\.)*)"\]|([^.[\]]+)/g)].map((found) => found[1] ?? found[2]);
  let at = roots;
  for (const step of steps) {
    if (at === null || typeof at !== "object" || !Object.hasOwn(at, step)) return undefined;
    at = at[step];
  }
  return at;
}

/** A path as a key of YAML: in quotes where YAML needs them. */
export function asKey(path) {
  return /^[A-Za-z_][\w.-]*$/.test(path) ? path : `'${path.replaceAll("'", "''")}'`;
}
