import type { Me, Usage } from '../../api/schemas';
import { Meter } from '../../parts/meter';
import { bytes, credits } from '../../parts/numbers';
import { Time } from '../../parts/time';

/** The stored bytes, and the quota of uploads. */
export function StoragePanel({ me, usage }: { me: Me; usage: Usage | null }) {
  const { uploads } = me;
  const stored = usage?.stored_bytes;
  return (
    <section class="glass panel stacked" aria-labelledby="storage">
      <h2 id="storage">Storage</h2>
      <div class="stacked tight">
        <Meter label="Uploads" used={uploads.size_bytes} most={uploads.max_size_bytes} write={bytes} />
        <Meter
          label="Number of uploads"
          used={uploads.count}
          most={uploads.max_count}
          write={credits}
          hint={
            uploads.next_expiry_at ? (
              <>
                The next upload expires <Time at={uploads.next_expiry_at} />.
              </>
            ) : (
              'No upload is stored. Pictures and videos that you give to the form are stored here.'
            )
          }
        />
      </div>
      <dl class="pairs">
        <div>
          <dt>Results of the period</dt>
          <dd class="amount">{stored ? bytes(stored.results) : '…'}</dd>
        </div>
        <div>
          <dt>Their posters</dt>
          <dd class="amount">{stored ? bytes(stored.posters) : '…'}</dd>
        </div>
        <div>
          <dt>Their variants</dt>
          <dd class="amount">{stored ? bytes(stored.variants) : '…'}</dd>
        </div>
      </dl>
      <p class="hint">Results have no quota. Each result shows when it expires.</p>
    </section>
  );
}
