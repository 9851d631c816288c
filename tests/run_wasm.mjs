// run_wasm.mjs PROGRAM [ARGUMENT...]: runs a WebAssembly program for WASI with Node.js. It sees this tree's files, under the paths
// that they have here, and the environment.
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { WASI } from "node:wasi";

const tree = dirname(dirname(fileURLToPath(import.meta.url)));
const wasi = new WASI({ version: "preview1", args: process.argv.slice(2), env: process.env, preopens: { [tree]: tree } });
const program = await WebAssembly.compile(await readFile(process.argv[2]));
process.exitCode = wasi.start(await WebAssembly.instantiate(program, wasi.getImportObject()));
