/** What stands before a command, typed or read. */
export const PROMPT = "virtlab> ";
