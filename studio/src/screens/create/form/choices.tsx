import { Choice } from '../../../parts/choice';
import type { Capabilities, Model } from '../../../api/schemas';
import { Duration } from './duration';
import { ShapeChoice } from './shape-choice';
import { change } from './state';
import { StyleChoice } from './style-choice';
import { choicesOf, hasPreview, hasSoundChoice, type Values } from './values';

interface Props {
  model: Model;
  can: Capabilities;
  values: Values;
  hasPicture: boolean;
  reasons: Readonly<Record<string, string>>;
}

/** The settings that this model has. */
export function Choices({ model, can, values, hasPicture, reasons }: Props) {
  const now = choicesOf(values, model, hasPicture);
  if (!now) return null;
  return (
    <>
      {can.aspect_ratios.length > 1 && now.aspect_ratio !== null ? (
        <ShapeChoice
          ratios={can.aspect_ratios}
          value={now.aspect_ratio}
          onChange={(aspect_ratio) => change({ aspect_ratio })}
          error={reasons['aspect_ratio']}
        />
      ) : null}
      {can.durations_seconds.length > 1 && now.duration_seconds !== null ? (
        <Duration
          seconds={can.durations_seconds}
          value={now.duration_seconds}
          onChange={(duration_seconds) => change({ duration_seconds })}
          error={reasons['duration_seconds']}
        />
      ) : null}
      <div class="pair">
        {can.resolutions.length > 1 ? (
          <Choice
            legend="Resolution"
            options={can.resolutions.map((value) => ({ value, label: value }))}
            value={now.resolution}
            onChange={(resolution) => change({ resolution })}
            error={reasons['resolution']}
          />
        ) : null}
        {can.frame_rates.length > 1 ? (
          <Choice
            legend="Frame rate"
            options={can.frame_rates.map((rate) => ({ value: String(rate), label: `${rate} fps` }))}
            value={String(now.fps)}
            onChange={(rate) => change({ fps: Number(rate) })}
            error={reasons['fps']}
          />
        ) : null}
        {hasSoundChoice(can) ? (
          <Choice
            legend="Sound"
            options={[
              { value: 'on', label: 'With sound' },
              { value: 'off', label: 'Silent' },
            ]}
            value={now.generate_audio ? 'on' : 'off'}
            onChange={(sound) => change({ generate_audio: sound === 'on' })}
            error={reasons['generate_audio']}
          />
        ) : null}
      </div>
      {can.motion ? <Motion value={values.motion} error={reasons['motion']} /> : null}
      <Facts model={model} can={can} />
      {model.styles.length ? (
        <StyleChoice styles={model.styles} value={now.style} onChange={(style) => change({ style })} error={reasons['style']} />
      ) : null}
      {hasPreview(model) && !hasPicture ? <Preview isOn={values.preview} error={reasons['preview']} /> : null}
      <Choice
        legend="How many"
        options={[1, 2, 3, 4].map((count) => ({
          value: String(count),
          label: count,
          title: count === 1 ? '1 result' : `${count} results`,
        }))}
        value={String(values.number_of_outputs)}
        onChange={(count) => change({ number_of_outputs: Number(count) })}
        error={reasons['number_of_outputs']}
      />
    </>
  );
}

const MOTIONS = [
  { value: 'auto', label: 'As fits', amount: null },
  { value: 'low', label: 'Little', amount: 0.25 },
  { value: 'medium', label: 'Medium', amount: 0.5 },
  { value: 'high', label: 'Much', amount: 0.75 },
];

function Motion({ value, error }: { value: number | null; error: string | undefined }) {
  const near = MOTIONS.find(({ amount }) => amount === value) ?? MOTIONS.find(({ amount }) => amount !== null && amount >= (value ?? 0));
  return (
    <Choice
      legend="Motion"
      options={MOTIONS}
      value={near?.value ?? 'high'}
      onChange={(name) => change({ motion: MOTIONS.find((each) => each.value === name)?.amount ?? null })}
      error={error}
    />
  );
}

/** Settings without a choice: they are facts of the model. */
function Facts({ model, can }: { model: Model; can: Capabilities }) {
  const facts = factsOf(model, can);
  if (!facts.length) return null;
  return (
    <p class="model-facts">
      <span class="soft">Always:</span> {facts.join(' · ')}
    </p>
  );
}

/** The settings of a model that leave no choice. */
export function factsOf(model: Model, can: Capabilities): string[] {
  const only = <T,>(choices: readonly T[], text: (value: T) => string) => (choices.length === 1 ? choices.map(text) : []);
  const sound = can.audio && !can.silence ? ['with sound'] : model.kind === 'video' && !can.audio && !can.max_videos ? ['silent'] : [];
  return [
    ...only(can.durations_seconds, (seconds) => `${seconds} s`),
    ...only(can.aspect_ratios, (ratio) => ratio),
    ...only(can.resolutions, (resolution) => resolution),
    ...(can.frame_rates.length ? only(can.frame_rates, (rate) => `${rate} fps`) : can.frame_rate ? [`${can.frame_rate} fps`] : []),
    ...sound,
  ];
}

function Preview({ isOn, error }: { isOn: boolean; error: string | undefined }) {
  return (
    <label class="order-switch">
      <input type="checkbox" role="switch" name="preview" checked={isOn} onChange={(event) => change({ preview: event.currentTarget.checked })} />
      <span>
        <strong>Preview first</strong>
        <small>A cheap picture of the first frame. You go on to the video from there, or change the words.</small>
        {error ? <small class="field-error">{error}</small> : null}
      </span>
    </label>
  );
}
