/** SQL cut into pieces to be coloured; text only. */

export interface Piece {
  text: string;
  kind: 'plain' | 'word' | 'comment' | 'string' | 'number';
}

const TOKEN = /(--[^\n]*|\/\*[\s\S]*?\*\/|^#[^\n]*)|('(?:[^']|'')*'|"(?:[^"]|"")*")|\b(select|from|where|group|by|order|insert|into|update|delete|set|create|or|replace|function|table|trigger|schema|view|index|on|as|begin|end|if|then|else|elsif|loop|for|in|return|returns|language|declare|with|join|left|lateral|union|all|and|not|null|is|case|when|values|conflict|do|nothing|using|distinct|filter|over|exists|security|definer|execute|each|statement|referencing|new|old|after|before|primary|key|unique|constraint|check|default|references|comment|grant|revoke|to|drop|alter|add|raise|perform|having|limit|coalesce|cast|between|true|false)\b|\b(\d+(?:\.\d+)?)\b/gim;

/** Longer texts stay plain: colouring them would cost more than it tells. */
const MOST = 200_000;

export function pieces(text: string): Piece[] {
  if (text.length > MOST) return [{ text, kind: 'plain' }];
  const out: Piece[] = [];
  let from = 0;
  for (const m of text.matchAll(TOKEN)) {
    if (m.index > from) out.push({ text: text.slice(from, m.index), kind: 'plain' });
    out.push({ text: m[0], kind: m[1] !== undefined ? 'comment' : m[2] !== undefined ? 'string' : m[3] !== undefined ? 'word' : 'number' });
    from = m.index + m[0].length;
  }
  if (from < text.length) out.push({ text: text.slice(from), kind: 'plain' });
  return out;
}
