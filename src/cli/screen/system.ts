/** The C library's version, e.g. 2.36; null where there is another one (musl, macOS, Windows). */
export function glibcVersion(): string | null {
  // Otherwise it asks the network for names of what is connected.
  Object.assign(process.report, { excludeNetwork: true });
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime ?? null;
}
