import { useEffect, useId, useRef, useState } from 'preact/hooks';

import { credits } from '../../../parts/numbers';
import { Patterns, Swatch } from './patterns';
import type { Plot as Data, Series } from './series';

const HEIGHT = 260;
const EDGES = { top: 12, right: 24, bottom: 28, left: 48 };
const short = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const long = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' });

/** Bars by day, with a part for each model. The arrow keys go from day to day; the line below tells the day. */
export function Plot({ data, unit }: { data: Data; unit: string }) {
  const place = useRef<HTMLDivElement>(null);
  const width = useWidth(place);
  const id = useId();
  const [picked, setPicked] = useState<number | null>(null);
  const last = data.days.length - 1;
  const current = Math.min(picked ?? last, last);
  const keys = (event: KeyboardEvent) => {
    const moves: Record<string, number> = { ArrowRight: current + 1, ArrowLeft: current - 1, Home: 0, End: last };
    const next = moves[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const day = Math.max(0, Math.min(last, next));
    setPicked(day);
    place.current?.querySelector<SVGElement>(`[data-day="${day}"]`)?.focus();
  };
  return (
    <div class="plot" ref={place}>
      <svg
        width={width}
        height={HEIGHT}
        role="listbox"
        aria-label={`${unit} by day. The arrow keys go from day to day`}
        aria-orientation="horizontal"
        onKeyDown={keys}
        onPointerLeave={() => setPicked(null)}
      >
        <Patterns id={id} count={data.series.length} />
        <Axes data={data} width={width} />
        {data.days.map((day, index) => (
          <Day
            key={day}
            id={id}
            data={data}
            index={index}
            width={width}
            label={told(data, index, unit)}
            isCurrent={index === current}
            isPicked={index === picked}
            onPick={() => setPicked(index)}
          />
        ))}
      </svg>
      <p class="plot-told">{told(data, current, unit)}</p>
      <Legend id={id} series={data.series} />
    </div>
  );
}

/** A day in words. */
function told({ days, series, totals }: Data, index: number, unit: string): string {
  const parts = series.filter((each) => each.values[index]).map((each) => `${each.model ?? 'other models'} ${credits(each.values[index] ?? 0)}`);
  const day = long.format(new Date(days[index] ?? 0));
  return parts.length ? `${day}: ${credits(totals[index] ?? 0)} ${unit.toLowerCase()} (${parts.join(', ')})` : `${day}: none`;
}

function geometry({ days, ticks }: Data, width: number) {
  const step = (width - EDGES.left - EDGES.right) / days.length;
  const bottom = HEIGHT - EDGES.bottom;
  const scale = (bottom - EDGES.top) / (ticks.at(-1) ?? 1);
  return { step, bottom, x: (index: number) => EDGES.left + step * index, y: (value: number) => bottom - value * scale };
}

function Axes({ data, width }: { data: Data; width: number }) {
  const { x, y, step, bottom } = geometry(data, width);
  const every = Math.max(1, Math.ceil(58 / step));
  return (
    <g aria-hidden="true">
      {data.ticks.map((tick) => (
        <g key={tick}>
          <line class={tick === 0 ? 'base' : 'grid'} x1={EDGES.left} x2={width - EDGES.right} y1={y(tick)} y2={y(tick)} />
          <text x={EDGES.left - 8} y={y(tick) + 4} text-anchor="end">
            {credits(tick)}
          </text>
        </g>
      ))}
      {data.days.map((day, index) =>
        // Counted from the end, so that the last day always has its date.
        (data.days.length - 1 - index) % every === 0 ? (
          <text key={day} x={x(index) + step / 2} y={bottom + 20} text-anchor="middle">
            {short.format(new Date(day))}
          </text>
        ) : null,
      )}
    </g>
  );
}

interface DayProps {
  id: string;
  data: Data;
  index: number;
  width: number;
  label: string;
  isCurrent: boolean;
  isPicked: boolean;
  onPick: () => void;
}

function Day({ id, data, index, width, label, isCurrent, isPicked, onPick }: DayProps) {
  const { x, y, step } = geometry(data, width);
  const bar = Math.max(2, Math.min(step * 0.72, 44));
  let sum = 0;
  return (
    <g
      class="day"
      role="option"
      data-day={index}
      aria-label={label}
      aria-selected={isPicked}
      tabIndex={isCurrent ? 0 : -1}
      onFocus={onPick}
      onPointerEnter={onPick}
      onPointerDown={onPick}
    >
      <rect class="hit" x={x(index)} y={EDGES.top} width={step} height={HEIGHT - EDGES.top - EDGES.bottom} />
      {data.series.map((each, number) => {
        const value = each.values[index] ?? 0;
        if (!value) return null;
        const from = y(sum);
        sum += value;
        return (
          <rect
            key={each.model}
            class={`part part-${number}`}
            fill={`url(#${id}-${number})`}
            x={x(index) + (step - bar) / 2}
            y={y(sum)}
            width={bar}
            height={Math.max(1, from - y(sum))}
          />
        );
      })}
    </g>
  );
}

function Legend({ id, series }: { id: string; series: readonly Series[] }) {
  return (
    <ul class="legend" aria-label="Models">
      {series.map((each, number) => (
        <li key={each.model}>
          <Swatch id={id} number={number} />
          <span>{each.model ?? 'Other models'}</span>
          <span class="amount soft">{credits(each.total)}</span>
        </li>
      ))}
    </ul>
  );
}

/** The width of an element, as the window changes. */
function useWidth(place: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(320);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const watcher = new ResizeObserver(([entry]) => entry && setWidth(Math.max(240, Math.floor(entry.contentRect.width))));
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);
  return width;
}
