import type { ComponentChildren } from 'preact';

import type { Generation } from '../../api/schemas';
import { to } from '../../app/routes';
import { CopyButton } from '../../parts/copy';
import { creditsInWords } from '../../parts/generation/cost';
import { STAGES } from '../../parts/generation/stages';
import { promptOf, resultOf } from '../../parts/media/media';
import { bytes, seconds } from '../../parts/numbers';
import { Time } from '../../parts/time';
import { sameSettings } from '../../state/drafts';

/** The prompt, and every setting and fact of a generation. */
export function Settings({ generation }: { generation: Generation }) {
  const prompt = promptOf(generation);
  return (
    <section class="glass panel details-part" aria-label="Prompt and settings">
      <header class="details-part-top">
        <h2>Prompt</h2>
        <CopyButton text={prompt} name="Prompt">
          Copy prompt
        </CopyButton>
      </header>
      <p class="details-prompt">{prompt}</p>
      <header class="details-part-top">
        <h2>Settings</h2>
        <CopyButton text={JSON.stringify(sameSettings(generation), null, 2)} name="Settings">
          Copy settings
        </CopyButton>
      </header>
      <dl class="details-facts">
        {facts(generation).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

type Fact = [name: string, value: ComponentChildren];
type MaybeFact = [name: string, value: ComponentChildren | null | undefined];

function facts(generation: Generation): Fact[] {
  const planned = generation.preview_of;
  const all: MaybeFact[] = [
    ...orderFacts(generation),
    ...resultFacts(generation),
    ['Cost', costFact(generation)],
    ['Ordered', <Time at={generation.created_at} />],
    ['Ended', generation.finished_at ? <Time at={generation.finished_at} /> : null],
    ['State', STAGES[generation.stage].label],
    ['Fetched', generation.downloads ? (generation.downloads === 1 ? 'once' : `${generation.downloads} times`) : null],
    ['Reference', generation.reference],
    ...Object.entries(generation.metadata).map(([key, value]): [string, string] => [`Metadata ${key}`, String(value)]),
    ['Repeats', generation.retry_of ? <a href={to(`g/${generation.retry_of}`)}>an earlier try</a> : null],
    ['Repeated by', generation.retried_by ? <a href={to(`g/${generation.retried_by}`)}>a later try</a> : null],
    ['Preview of', planned ? `a video by ${planned.model}, ${creditsInWords(planned.credits)}` : null],
    ['Made from', generation.continuation_of ? <a href={to(`g/${generation.continuation_of}`)}>its preview</a> : null],
    ['Batch', generation.batch_id ? <a href={to('gallery', { batch_id: generation.batch_id })}>its other outputs</a> : null],
    ['Id', <Id id={generation.id} />],
  ];
  return all.filter((each): each is Fact => each[1] !== null && each[1] !== undefined && each[1] !== '');
}

function Id({ id }: { id: string }) {
  return (
    <span class="button-row">
      <code>{id}</code>
      <CopyButton text={id} name="Id" />
    </span>
  );
}

function orderFacts({ model, requested_model, provider, inputs, priority }: Generation): MaybeFact[] {
  return [
    ['Model', requested_model && requested_model !== model ? `${model} (ordered as ${requested_model})` : model],
    ['Provider', provider],
    ['Style', inputs.style],
    ['Negative prompt', inputs.negative_prompt],
    ['Aspect ratio', inputs.aspect_ratio],
    ['Length', inputs.duration_seconds ? seconds(inputs.duration_seconds) : null],
    ['Resolution', inputs.resolution],
    ['Frame rate', inputs.fps ? `${inputs.fps} a second` : null],
    ['Motion', inputs.motion],
    ['Seed', inputs.seed],
    ['Sound', yesOrNo(inputs.generate_audio)],
    ['Prompt rewritten', yesOrNo(inputs.enhance_prompt)],
    ['Format', inputs.output_format],
    ['Priority', priority === 'normal' ? null : priority],
    ['Input pictures', inputsInWords(inputs.image_urls)],
    ['Input videos', inputsInWords(inputs.video_urls)],
  ];
}

function yesOrNo(value: boolean | null | undefined): string | null {
  return value === null || value === undefined ? null : value ? 'yes' : 'no';
}

function inputsInWords(urls: readonly string[] | undefined): ComponentChildren | null {
  if (!urls?.length) return null;
  return (
    <ul class="details-inputs">
      {urls.map((url) => (
        <li key={url}>{inputInWords(url)}</li>
      ))}
    </ul>
  );
}

function inputInWords(url: string): ComponentChildren {
  const [scheme, id = ''] = url.split(':', 2);
  if (scheme === 'generation') return <a href={to(`g/${id}`)}>an earlier result</a>;
  return scheme === 'upload' ? 'an upload' : url;
}

function resultFacts(generation: Generation): MaybeFact[] {
  const result = resultOf(generation);
  if (!result) return [];
  const { width, height, duration_seconds, frame_rate, codec, content_type, size_bytes, expires_at, expired_at } = result;
  return [
    ['Pixels', `${width} × ${height}`],
    ['File', `${content_type}, ${codec}, ${bytes(size_bytes)}`],
    ['Plays', duration_seconds ? `${duration_seconds.toFixed(1)} s${frame_rate ? ` at ${shortened(frame_rate)} frames a second` : ''}` : null],
    ['Made in', generation.render_seconds === null ? null : seconds(generation.render_seconds)],
    ['File deleted', expired_at ? <Time at={expired_at} /> : null],
    ['File kept until', expires_at && !expired_at ? <Time at={expires_at} /> : null],
  ];
}

/** A frame rate such as 23.98. */
function shortened(rate: number): number {
  return Math.round(rate * 100) / 100;
}

function costFact({ credits: { price, held, captured, released } }: Generation): string {
  if (captured) return `${creditsInWords(captured)} charged`;
  if (held) return `${creditsInWords(held)} held`;
  return released ? `${creditsInWords(released)} came back` : creditsInWords(price);
}
