/** What the guest's worker has loaded. */
import { defineGuest } from "../../src/guest/define.ts";
import { loadedModules } from "./loaded.ts";

export default defineGuest(async () => loadedModules());
