// Lets a thread import this project's TypeScript. Every thread has to ask for itself: Node 20 hands loaders on to none.
import { register } from "node:module";

process.setSourceMapsEnabled(true);
register("./typescript-hooks.mjs", import.meta.url);
