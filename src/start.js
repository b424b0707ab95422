#!/usr/bin/env node
/** What `parhelia` starts: the source in a checkout, and what npm publishes elsewhere, where Node.js reads no TypeScript. */
import { existsSync } from "node:fs";

const source = new URL("cli.ts", import.meta.url);
await import(existsSync(source) ? source.href : new URL("../dist/cli.js", import.meta.url).href);
