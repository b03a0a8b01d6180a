/** Which of virtlab's modules this thread has loaded, as paths from `src/` on. */
import { Session } from "node:inspector";

export function loadedModules(): string[] {
  const paths: string[] = [];
  const session = new Session();
  session.connect();
  session.on("Debugger.scriptParsed", ({ params: { url } }) => {
    const path = /\/src\/(.+)$/.exec(url)?.[1];
    if (path !== undefined) paths.push(path);
  });
  // Tells of every script that is there already before it returns.
  session.post("Debugger.enable");
  session.disconnect();
  return paths;
}
