import { Button } from '../../../parts/button';
import { Icon } from '../../../parts/icon';
import { removeInput, type Input } from './inputs-list';

interface Props {
  input: Input;
  /** Whether the order takes the input. */
  isUsed: boolean;
}

/** An input with its picture, and its progress while the file is sent. */
export function InputTile({ input, isUsed }: Props) {
  const { id, name, problem, url } = input;
  const isSending = !url && !problem;
  const state = problem ?? (isSending ? `${Math.round(input.progress * 100)} %` : isUsed ? '' : 'Not used by this model');
  return (
    <li class={`input-tile${problem ? ' failed' : ''}${isUsed ? '' : ' unused'}`} title={name}>
      <Picture input={input} />
      <div class="input-words">
        <span class="input-name">{name}</span>
        <small class={problem ? 'field-error' : 'soft'}>{state}</small>
        {isSending ? <progress class="bar" max={1} value={input.progress} aria-label={`Upload of ${name}`} /> : null}
      </div>
      <Button kind="quiet" icon="close" label={`Remove ${name}`} onClick={() => removeInput(id)} />
    </li>
  );
}

function Picture({ input: { picture, moves, media } }: { input: Input }) {
  if (picture && moves) return <video src={picture} muted playsInline preload="metadata" width="56" height="56" aria-hidden="true" tabIndex={-1} />;
  if (picture) return <img src={picture} alt="" width="56" height="56" />;
  return (
    <span class="input-blank">
      <Icon name={media} />
    </span>
  );
}
