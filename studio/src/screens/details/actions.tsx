import { useSignal } from '@preact/signals';

import type { Generation } from '../../api/schemas';
import { go, to } from '../../app/routes';
import { isReadOnly } from '../../app/session';
import { Button } from '../../parts/button';
import { Continue } from '../../parts/generation/continue';
import { Dialog } from '../../parts/dialog';
import { Download } from '../../parts/media/download';
import { contentOf, resultOf } from '../../parts/media/media';
import { bytes } from '../../parts/numbers';
import { deleteWithUndo } from '../../state/deleting';
import { openDraft } from '../../state/draft';
import { asInput, extenders, extension, sameSettings, variation } from '../../state/drafts';
import { hasEnded } from '../../state/generations';
import { modelNamed, models } from '../../state/models';
import { around } from '../../state/neighbours';
import { Shares } from './shares';

/** What one can do with a generation. */
export function Actions({ generation }: { generation: Generation }) {
  const size = resultOf(generation)?.size_bytes;
  const mayChange = !isReadOnly.value;
  return (
    <div class="details-actions" role="group" aria-label="Actions">
      <Continue generation={generation} />
      <Download generation={generation} kind={generation.preview_of ? 'plain' : 'main'}>
        {`Download${size ? ` (${bytes(size)})` : ''}`}
      </Download>
      {contentOf(generation) ? <Shares generation={generation} /> : null}
      {mayChange ? <Again generation={generation} /> : null}
      {mayChange && hasEnded(generation) ? <Delete generation={generation} /> : null}
    </div>
  );
}

function Again({ generation }: { generation: Generation }) {
  const { kind } = generation;
  const hasFile = contentOf(generation) !== null;
  const [extender] = hasFile ? extenders(generation, models.value ?? []) : [];
  return (
    <>
      <Button icon="die" onClick={() => openDraft(variation(generation, modelNamed(generation.preview_of?.text_to_video ?? generation.model)))}>
        Make a variation
      </Button>
      <Button icon="copy" onClick={() => openDraft(sameSettings(generation))}>
        Same settings
      </Button>
      {hasFile ? (
        <Button icon="up" onClick={() => openDraft(asInput(generation))}>
          Use as input
        </Button>
      ) : null}
      {hasFile && kind === 'image' ? (
        <Button icon="video" onClick={() => openDraft({ ...asInput(generation), kind: 'video' })}>
          Make a video from it
        </Button>
      ) : null}
      {extender ? (
        <Button icon="extend" onClick={() => openDraft(extension(generation, extender))} title={`With ${extender.title}`}>
          Extend
        </Button>
      ) : null}
    </>
  );
}

function Delete({ generation }: { generation: Generation }) {
  const asks = useSignal(false);
  const { id, kind } = generation;
  const run = () => {
    asks.value = false;
    const { next, previous } = around(id);
    deleteWithUndo(id, () => go(to(`g/${id}`)));
    const nearest = next ?? previous;
    go(nearest ? to(`g/${nearest}`) : '#/gallery');
  };
  const close = () => (asks.value = false);
  return (
    <>
      <Button kind="danger" icon="trash" onClick={() => (asks.value = true)}>
        Delete
      </Button>
      <Dialog
        title={`Delete this ${kind}?`}
        isOpen={asks.value}
        onClose={close}
        actions={
          <>
            <Button onClick={close}>Keep it</Button>
            <Button kind="danger" icon="trash" onClick={run}>
              Delete
            </Button>
          </>
        }
      >
        <p>For ever go: the file, its share links, the prompt, the inputs, the settings, the reference, the metadata and the rating.</p>
        <p>The charged credits do not come back. Uploads that the order used stay until they expire.</p>
        <p class="soft">You can undo for 8 seconds.</p>
      </Dialog>
    </>
  );
}
