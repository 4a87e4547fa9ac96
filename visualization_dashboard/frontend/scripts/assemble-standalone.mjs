/** Puts the static files beside the standalone server, so that `.next/standalone` runs on its own. */
import { cp } from "node:fs/promises";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..");
await cp(path.join(root, ".next/static"), path.join(root, ".next/standalone/.next/static"), { recursive: true });
