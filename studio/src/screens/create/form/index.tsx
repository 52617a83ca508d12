import { useEffect, useRef, useState } from 'preact/hooks';

import type { Model } from '../../../api/schemas';
import { isReadOnly } from '../../../app/session';
import { Button } from '../../../parts/button';
import { draft } from '../../../state/draft';
import { models, modelsProblem, readModels } from '../../../state/models';
import { Advanced } from './advanced';
import { Choices } from './choices';
import { CodeDialog } from './code-dialog';
import { Compared } from './compared';
import { takeDraft } from './drafts';
import { EarlierResults } from './earlier';
import { compared, followEstimate } from './estimate';
import { Inputs, usedInputs } from './inputs';
import { inputs } from './inputs-list';
import { ModelDialog, ModelPicker } from './model-picker';
import { isSubmitKey, takeFiles } from './keys';
import { ordersOf, place } from './place';
import { reasons } from './problems';
import { Prompt } from './prompt';
import { model, order, values } from './state';
import { Summary } from './summary';
import './form.css';

type Open = 'models' | 'code' | 'earlier' | null;

/** The order form: the model first, and then the settings that this model has. */
export function OrderForm() {
  useEffect(() => void readModels(), []);
  useEffect(followEstimate, []);
  const isReady = models.value !== null;
  const { value: waiting } = draft;
  useEffect(() => {
    if (isReady) takeDraft();
  }, [isReady, waiting]);
  if (modelsProblem.value) {
    return (
      <section class="glass panel order-form" aria-label="Order">
        <p role="alert">{modelsProblem.value}</p>
        <Button onClick={() => void readModels()}>Try again</Button>
      </section>
    );
  }
  if (!isReady) return <section class="glass panel order-form waiting" aria-label="Order" aria-busy="true" />;
  if (!model.value) {
    return (
      <section class="glass panel order-form" aria-label="Order">
        <p>No model can be ordered here. The operator sets up an account at a provider first.</p>
      </section>
    );
  }
  return <Form model={model.value} />;
}

function Form({ model: current }: { model: Model }) {
  const [open, setOpen] = useState<Open>(null);
  const form = useRef<HTMLFormElement>(null);
  const can = current.capabilities;
  const close = () => setOpen(null);
  useEffect(() => takeFiles(() => model.value), []);
  if (!can) return null;
  const used = usedInputs(inputs.value, can);
  const hasPicture = inputs.value.some(({ id, media }) => media === 'image' && used.has(id));
  const settings = { model: current, can, values: values.value, reasons: reasons.value };
  const submit = async () => {
    if (!(await place())) focusReason(form.current);
  };
  return (
    <>
      <form
        ref={form}
        class="glass panel order-form"
        aria-label="Order"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
        onKeyDown={(event) => {
          if (!isSubmitKey(event)) return;
          event.preventDefault();
          void submit();
        }}
      >
        <fieldset class="order-fields" disabled={isReadOnly.value}>
          <ModelPicker model={current} onOpen={() => setOpen('models')} error={reasons.value['model']} />
          <Prompt can={can} hasPicture={hasPicture} error={reasons.value['prompt']} />
          {can.max_images + can.max_videos > 0 ? <Inputs can={can} reasons={reasons.value} onEarlier={() => setOpen('earlier')} /> : null}
          <Choices {...settings} hasPicture={hasPicture} />
          <Advanced {...settings} />
          <Compared />
        </fieldset>
        <Summary onCode={() => setOpen('code')} />
      </form>
      <ModelDialog current={current} isOpen={open === 'models'} onClose={close} />
      <EarlierResults can={can} isOpen={open === 'earlier'} onClose={close} />
      <CodeDialog
        orders={order.value ? ordersOf(order.value, compared.value) : []}
        extension={current.kind === 'video' ? 'mp4' : (order.value?.output_format ?? 'png')}
        isOpen={open === 'code'}
        onClose={close}
      />
    </>
  );
}

// The first field with a reason gets the focus, or the field whose reason stands below it.
function focusReason(form: HTMLFormElement | null): void {
  requestAnimationFrame(() => {
    const invalid = form?.querySelector<HTMLElement>('[aria-invalid="true"]');
    const group = form?.querySelector('.field-error:not(:empty)')?.closest('fieldset:not(.order-fields), .field');
    (invalid ?? group?.querySelector<HTMLElement>('input:not([type="file"]), textarea, button:not(:disabled)'))?.focus();
  });
}
