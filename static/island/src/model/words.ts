// What a model is saying, as a line of a list has room for it: its end is what is new.
const MOST = 160;

export function lastWords(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > MOST ? `…${line.slice(-MOST)}` : line;
}
