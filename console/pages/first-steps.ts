import { html, type Html } from './html.ts';

/** How to send something, to copy as it stands. `origin`: where this instance answers, `http://127.0.0.1:4070`. */
export function firstSteps(origin: string): Html {
  const url = `${origin}/api/v1/ingest`;
  return html`<section class="card" aria-labelledby="first-steps">
    <h2 id="first-steps">Send something</h2>
    <p class="faint">Zeek logs (TSV or JSON) and device readings (NDJSON or CSV) are known by their content.</p>
    <h3>A file, with curl</h3>
    <pre>curl -sS -H 'Content-Type: text/plain' --data-binary @conn.log ${url}</pre>
    <h3>A reading</h3>
    <pre>
curl -sS -H 'Content-Type: text/csv' ${url} --data-binary 'time,device,metric,value,unit
'"$(date -u +%FT%TZ)"',pump-1,pressure,4.2,bar'</pre>
    <h3>Vector</h3>
    <pre>
sources:
  zeek:
    type: file
    include: [/opt/zeek/logs/current/*.log]   # with Zeek's JSON output
sinks:
  vedette:
    type: http
    inputs: [zeek]
    uri: ${url}
    compression: gzip
    encoding: { codec: text }
    framing: { method: newline_delimited }
    request: { headers: { Content-Type: application/x-ndjson } }
    acknowledgements: { enabled: true }</pre>
    <h3>Filebeat, through Logstash</h3>
    <pre>
# filebeat.yml
filebeat.inputs:
  - type: filestream
    id: zeek
    paths: [/opt/zeek/logs/current/*.log]   # with Zeek's JSON output
    parsers: [{ ndjson: { target: "" } }]
output.logstash.hosts: ["127.0.0.1:5044"]

# logstash.conf
input { beats { port => 5044 } }
output { http { url => "${url}" http_method => "post" format => "json_batch" } }</pre>
  </section>`;
}

/** What the instance itself says should be looked at. */
export function adviceCard(advice: readonly string[]): Html | undefined {
  if (advice.length === 0) return undefined;
  return html`<section class="card" aria-labelledby="advice">
    <h2 id="advice">To check</h2>
    <ul class="advice">
      ${advice.map((text) => html`<li>${text}</li>`)}
    </ul>
  </section>`;
}
