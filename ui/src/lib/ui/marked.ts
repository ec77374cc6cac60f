/** Splits a text where a query occurs in it, to be set apart as text and never as HTML. */

export interface Part {
  text: string;
  hit: boolean;
}

export function marked(text: string, query: string): Part[] {
  const q = query.trim().toLowerCase();
  if (q === '') return [{ text, hit: false }];
  const parts: Part[] = [];
  const low = text.toLowerCase();
  let from = 0;
  for (let at = low.indexOf(q); at >= 0; at = low.indexOf(q, from)) {
    if (at > from) parts.push({ text: text.slice(from, at), hit: false });
    parts.push({ text: text.slice(at, at + q.length), hit: true });
    from = at + q.length;
  }
  if (from < text.length || parts.length === 0) parts.push({ text: text.slice(from), hit: false });
  return parts;
}
