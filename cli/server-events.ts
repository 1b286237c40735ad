/** One event of a stream. */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** Reads server-sent events (the WHATWG HTML standard, 9.2.6); comments and what else a line may say are passed over. */
export async function* readServerEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  let event = 'message';
  let data: string[] = [];
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const raw of lines) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (line === '') {
        if (data.length > 0) yield { event, data: data.join('\n') };
        event = 'message';
        data = [];
        continue;
      }
      const match = /^(event|data):? ?(.*)$/s.exec(line);
      if (match?.[1] === 'event') event = match[2]!;
      if (match?.[1] === 'data') data.push(match[2]!);
    }
  }
}
