import { Choice } from '../../../parts/choice';
import { shapeOf, type Shape } from './shapes';

interface Props {
  ratios: readonly string[];
  value: string | null;
  onChange: (ratio: string) => void;
  error?: string | undefined;
}

/** Aspect ratios as cards, drawn to shape. */
export function ShapeChoice({ ratios, value, onChange, error }: Props) {
  const options = ratios.map(shapeOf).map((shape) => ({
    value: shape.ratio,
    title: `${shape.ratio}, ${shape.place}`,
    label: <ShapeCard {...shape} />,
  }));
  return (
    <div class="shapes">
      <Choice legend="Aspect ratio" look="cards" options={options} value={value} onChange={onChange} error={error} />
    </div>
  );
}

function ShapeCard({ ratio, place, path, size }: Shape) {
  return (
    <>
      <svg class="shape" viewBox="0 0 44 44" width="44" height="44" aria-hidden="true">
        {size ? (
          <rect x={22 - size.width / 2} y={22 - size.height / 2} {...size} rx="3" />
        ) : (
          <rect class="shape-open" x="5" y="5" width="34" height="34" rx="3" />
        )}
      </svg>
      <strong>{ratio === 'auto' ? 'Auto' : ratio}</strong>
      <small>
        <svg class="icon platform" viewBox="0 0 24 24" width="14" height="14" aria-hidden="true">
          <path d={path} />
        </svg>
        {place}
      </small>
    </>
  );
}
