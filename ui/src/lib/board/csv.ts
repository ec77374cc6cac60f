/** Lines of CSV, each cell quoted where it needs to be. */
export function csv(lines: readonly (readonly string[])[]): string {
  const quote = (s: string): string => (/[",\r\n]/.test(s) ? `"${s.replaceAll('"', '""')}"` : s);
  return [...lines.map((line) => line.map(quote).join(',')), ''].join('\n');
}

/** A column's head: what it is, and in which unit. */
export function headed(label: string, unit: string): string {
  return unit === '' ? label : `${label} (${unit})`;
}

export function cellText(v: number | null): string {
  return v === null ? '' : String(v);
}
