import { Choice } from '../../../parts/choice';
import { StylePicture } from './style-pictures';

interface Props {
  styles: readonly string[];
  value: string | null;
  onChange: (style: string | null) => void;
  error?: string | undefined;
}

const NONE = '';

/** The looks as cards with pictures. */
export function StyleChoice({ styles, value, onChange, error }: Props) {
  const options = [NONE, ...styles].map((style) => ({
    value: style,
    title: style ? nameOf(style) : 'No style',
    label: (
      <>
        <StylePicture style={style} />
        <small>{style ? nameOf(style) : 'None'}</small>
      </>
    ),
  }));
  return (
    <div class="styles">
      <Choice
        legend="Style"
        look="cards"
        options={options}
        value={value ?? NONE}
        onChange={(style) => onChange(style || null)}
        error={error}
      />
    </div>
  );
}

/** The name of a style for people: `oil-painting` is "Oil painting". */
export function nameOf(style: string): string {
  const words = style.replaceAll('-', ' ').replace(/^3d/, '3D');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
