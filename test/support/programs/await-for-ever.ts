/** Waits for what never comes, and for nothing else. */
export default () => new Promise<never>(() => {});
