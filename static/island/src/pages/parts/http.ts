// Requests of the small page scripts. A refusal becomes one sentence.

export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function reason(answer: Response): Promise<string> {
  try {
    const problem: { detail?: string; title?: string } = await answer.json();
    return problem.detail || problem.title || `The server answered ${answer.status}.`;
  } catch {
    return `The server answered ${answer.status}.`;
  }
}

export async function ask(url: string, options: RequestInit = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(url, { credentials: "same-origin", ...options });
  } catch {
    throw new Refusal(0, "The server cannot be reached. Nothing was changed.");
  }
  if (!answer.ok) throw new Refusal(answer.status, await reason(answer));
  return answer;
}

export function sendJson(url: string, method: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return ask(url, {
    method,
    headers: { "Content-Type": "application/json", "HX-Request": "true", ...headers },
    body: JSON.stringify(body),
  });
}
