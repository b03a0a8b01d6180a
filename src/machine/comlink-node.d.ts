/** Comlink's adapter for Node's message ports has no declaration of its own under this name. */
declare module "comlink/dist/esm/node-adapter.mjs" {
  import type { MessagePort, Worker } from "node:worker_threads";
  import type { Endpoint } from "comlink";

  export default function nodeEndpoint(endpoint: MessagePort | Worker): Endpoint;
}
