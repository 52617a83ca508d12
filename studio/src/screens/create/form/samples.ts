/** Sample prompts, by what the model begins with. */
import type { Capabilities, Kind } from '../../../api/schemas';

const SAMPLES = {
  image: [
    'A lighthouse in thick fog at dawn, waves below, a single warm light',
    'A glass teapot on a walnut table, steam in the morning sun, close-up',
    'A fox reading a newspaper on a park bench in autumn',
    'An isometric cutaway of a tiny bookshop, warm lamps, rain outside',
    'A poster that says “SLOW DOWN” in bold letters over a winding coast road',
    'A street market in Hanoi at night, neon in the puddles, seen from above',
  ],
  video: [
    'A paper boat sails down a rainy street, the camera follows low over the water',
    'A barista pours milk into coffee, slow motion, the pattern unfolds',
    'A drone rises over a misty pine forest as the sun comes up',
    'A hummingbird drinks from a red flower, wings in slow motion',
    'A tram crosses an old town at dusk, lights come on in the windows',
    'An astronaut waters a small plant in a greenhouse on Mars',
  ],
  'image from image': [
    'The same place at night, under the stars',
    'Turn the picture into a watercolour with visible paper',
    'Replace the background by a bright studio',
    'Put the product on a marble table beside a window',
  ],
  'video from image': [
    'The camera moves in slowly while the wind plays in the hair',
    'The person turns to the camera and smiles',
    'Clouds drift by, leaves move, everything else stays still',
    'The camera circles the subject once',
  ],
  'video from video': [
    'The same scene in winter, snow falls',
    'Turn the scene into hand-drawn animation',
    'The camera goes on forward into the distance',
    'Now at night, with street lamps',
  ],
} as const;

export function samplesFor(kind: Kind, can: Capabilities, hasPicture: boolean): readonly string[] {
  if (kind === 'video' && can.min_videos > 0) return SAMPLES['video from video'];
  if (can.min_images > 0 || hasPicture) return SAMPLES[`${kind} from image`];
  return SAMPLES[kind];
}
