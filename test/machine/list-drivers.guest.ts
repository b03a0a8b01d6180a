/** Which drivers are bound. */
import { defineGuest } from "../../src/guest/define.ts";

export default defineGuest(async ({ virtio }) => virtio.describe().map(({ driver }) => driver));
