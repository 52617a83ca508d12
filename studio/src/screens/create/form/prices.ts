/** The price of a model in words, before an order is complete. */
import type { Model } from '../../../api/schemas';

type Price = NonNullable<Model['price']>;

const UNIT: Record<Price['per'], string> = { image: 'an image', video: 'a video', second: 'a second' };
const number = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

/** Such as "from 12 credits a video". */
export function priceText({ price }: Model): string {
  if (!price) return '';
  const amounts = amountsOf(price);
  const least = Math.min(...amounts);
  const isFrom = Math.max(...amounts) > least;
  return `${isFrom ? 'from ' : ''}${number.format(least)} ${least === 1 ? 'credit' : 'credits'} ${UNIT[price.per]}`;
}

/** About the price of an order with the model's defaults: to sort models by it. */
export function usualPrice({ price, defaults }: Model): number {
  if (!price) return Infinity;
  const units = price.per === 'second' ? (defaults?.duration_seconds ?? 5) : 1;
  const special = price.specials.find(
    (each) =>
      (each.resolution ?? defaults?.resolution) === defaults?.resolution &&
      (each.duration_seconds ?? defaults?.duration_seconds) === defaults?.duration_seconds &&
      (each.audio ?? defaults?.generate_audio) === defaults?.generate_audio &&
      !each.aspect_ratio &&
      !each.input_videos,
  );
  const factor = price.resolution_factors[defaults?.resolution ?? ''] ?? 1;
  const sound = defaults?.generate_audio ? price.audio_factor : 1;
  return (special?.amount ?? price.credits * factor * sound) * units + (price.order ?? 0);
}

function amountsOf(price: Price): number[] {
  const factors = Object.values(price.resolution_factors);
  const scaled = (factors.length ? factors : [1]).map((factor) => price.credits * factor);
  return [...scaled, ...scaled.map((amount) => amount * price.audio_factor), ...price.specials.map(({ amount }) => amount)];
}
