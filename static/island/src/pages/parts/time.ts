// Times as people say them: every <time datetime> of the page, in the reader's zone and language.
//
//   data-when="ago"     how long ago, or when ("3 min ago", "in 2 h")
//   data-when="at"      the moment itself, as short as it may be
//   data-when="clock"   the time of day to the second
//   data-when="since"   a running stopwatch ("1:04")

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", 7],
  ["week", 4.35],
  ["month", 12],
  ["year", Infinity],
];
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const seconds = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

export function ago(moment: number, now: number): string {
  let amount = (moment - now) / 1000;
  if (Math.abs(amount) < 5) return "just now";
  for (const [unit, size] of STEPS) {
    if (Math.abs(Math.round(amount)) < size) return relative.format(Math.round(amount), unit);
    amount /= size;
  }
  return whole.format(moment);
}

export function at(moment: number, now: number): string {
  const isToday = new Date(moment).toDateString() === new Date(now).toDateString();
  return isToday ? clock.format(moment) : `${day.format(moment)}, ${clock.format(moment)}`;
}

export function since(moment: number, now: number): string {
  const passed = Math.max(0, Math.floor((now - moment) / 1000));
  const pair = (value: number) => String(value % 60).padStart(2, "0");
  const hours = Math.floor(passed / 3600);
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours ? `${hours}:${pair(Math.floor(passed / 60))}:${pair(passed)}` : `${Math.floor(passed / 60)}:${pair(passed)}`;
}

const SAY: Record<string, (moment: number, now: number) => string> = {
  ago,
  at,
  since,
  clock: (moment) => seconds.format(moment),
};

function say(element: HTMLTimeElement, now: number): void {
  const moment = Date.parse(element.dateTime);
  if (Number.isNaN(moment)) return;
  const text = (SAY[element.dataset["when"] ?? "at"] ?? at)(moment, now);
  if (element.textContent !== text) element.textContent = text;
  if (!element.title) element.title = whole.format(moment);
}

export function sayTimes(root: ParentNode = document): void {
  const now = Date.now();
  for (const element of root.querySelectorAll<HTMLTimeElement>("time[datetime]")) say(element, now);
}

export function keepTimes(): void {
  sayTimes();
  setInterval(() => sayTimes(), 1000);
  document.addEventListener("htmx:afterSettle", () => sayTimes());
}
