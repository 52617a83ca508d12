import { useRef, useState } from 'preact/hooks';

import type { Capabilities, Kind } from '../../../api/schemas';
import { Button } from '../../../parts/button';
import { Icon } from '../../../parts/icon';
import { bytes } from '../../../parts/numbers';
import { InputTile } from './input-tile';
import { addFiles, inputs, shortType, type Input } from './inputs-list';

interface Props {
  can: Capabilities;
  reasons: Readonly<Record<string, string>>;
  /** Opens the list of earlier results. */
  onEarlier: () => void;
}

/** Input pictures and videos: dropped, pasted, picked, or earlier results. */
export function Inputs({ can, reasons, onEarlier }: Props) {
  const used = usedInputs(inputs.value, can);
  const most = can.max_images + can.max_videos;
  const error = reasons['image_urls'] ?? reasons['video_urls'];
  return (
    <fieldset class="order-inputs" aria-describedby="inputs-note">
      <legend>{titleOf(can)}</legend>
      <div class="inputs-body">
        {inputs.value.length ? (
          <ul class="input-tiles">
            {inputs.value.map((input) => (
              <InputTile key={input.id} input={input} isUsed={used.has(input.id)} />
            ))}
          </ul>
        ) : null}
        {used.size < most ? <Drop can={can} isSeveral={most > 1} onEarlier={onEarlier} /> : null}
      </div>
      <p class={`field-note ${error ? 'field-error' : 'hint'}`} id="inputs-note">
        {error ?? limitsOf(can)}
      </p>
    </fieldset>
  );
}

/** Where files are dropped, and the ways to choose them. */
function Drop({ can, isSeveral, onEarlier }: Pick<Props, 'can' | 'onEarlier'> & { isSeveral: boolean }) {
  const picker = useRef<HTMLInputElement>(null);
  const [isOver, setIsOver] = useState(false);
  return (
    <div
      class={`input-drop${isOver ? ' over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setIsOver(false);
        addFiles(event.dataTransfer?.files ?? [], can);
      }}
    >
      <p>
        <Icon name="up" /> Drop or paste here
      </p>
      <div class="input-drop-buttons">
        <Button icon="plus" onClick={() => picker.current?.click()}>
          Choose files
        </Button>
        <Button icon="grid" onClick={onEarlier}>
          Earlier result
        </Button>
      </div>
      <input
        ref={picker}
        class="visually-hidden"
        type="file"
        name="files"
        tabIndex={-1}
        aria-label="Input files"
        multiple={isSeveral}
        accept={typesOf(can).join(',')}
        onChange={(event) => {
          addFiles(event.currentTarget.files ?? [], can);
          event.currentTarget.value = '';
        }}
      />
    </div>
  );
}

/** The inputs that the order takes: the first ones of each kind, as many as the model takes. */
export function usedInputs(list: readonly Input[], can: Capabilities): ReadonlySet<number> {
  const first = (media: Kind, most: number) =>
    list
      .filter((each) => each.media === media && !each.problem)
      .slice(0, most)
      .map(({ id }) => id);
  return new Set([...first('image', can.max_images), ...first('video', can.max_videos)]);
}

function titleOf(can: Capabilities): string {
  const pictures = can.max_images ? [counted(can.min_images, can.max_images, 'picture')] : [];
  const videos = can.max_videos ? [counted(can.min_videos, can.max_videos, 'video')] : [];
  return `Input: ${[...pictures, ...videos].join(', ')}`;
}

function counted(least: number, most: number, thing: string): string {
  const range = least === most ? `${most}` : least === 0 ? `up to ${most}` : `${least} to ${most}`;
  return `${range} ${thing}${most === 1 ? '' : 's'}`;
}

function typesOf({ image_types: images = [], video_types: videos = [] }: Capabilities): string[] {
  return [...images, ...videos];
}

function limitsOf(can: Capabilities): string {
  const types = typesOf(can).map(shortType).join(', ');
  if (can.extends.length) return 'The model goes on from a video that one of its family made: choose an earlier result.';
  return can.max_image_bytes ? `${types}; pictures up to ${bytes(can.max_image_bytes)}` : types;
}
