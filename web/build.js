// Builds what pages load that is not written by hand: the editor's bundle, htmx, and the licences of what is in them.
// Prints the sizes; fails where the editor is larger than it may be over the wire.

import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

/** The most that the editor may be, packed, in bytes. */
const MOST = 180 * 1024;
const BUNDLE = "static/editor.js";

const built = await build({
  entryPoints: ["src/editor/main.js"],
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022", "chrome110", "firefox110", "safari16.4"],
  legalComments: "none",
  banner: { js: "// Built by `make web` from web/src/editor and the packages that LICENSES.txt names." },
  outfile: BUNDLE,
  metafile: true,
  logLevel: "warning",
});

copyFileSync("node_modules/htmx.org/dist/htmx.min.js", "static/htmx.js");

/** The packages that a bundle was made of. */
function packages(inputs) {
  const names = Object.keys(inputs).map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]);
  return [...new Set(names.filter(Boolean))];
}

/** What a package says of its licence: name, version, text. */
function licence(name) {
  const folder = `node_modules/${name}`;
  const { version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  const text = file ? readFileSync(`${folder}/${file}`, "utf8").trim() : "";
  return `${name} ${version} (${license})\n\n${text}\n`;
}

const all = [...packages(built.metafile.inputs), "htmx.org"].sort();
const title = "What editor.js and htmx.js are made of, beside Bellwire's own text.\n";
writeFileSync("static/LICENSES.txt", [title, ...all.map(licence)].join(`\n${"-".repeat(80)}\n\n`));

for (const name of [BUNDLE, "static/htmx.js"]) {
  const raw = readFileSync(name);
  const packed = gzipSync(raw, { level: 9 }).length;
  console.log(`web/${name}: ${raw.length} bytes, ${packed} packed`);
  if (name === BUNDLE && packed > MOST) {
    console.error(`web/${name} is larger than ${MOST} bytes packed`);
    process.exitCode = 1;
  }
}
