import { computed, effect } from '@preact/signals';
import { useEffect } from 'preact/hooks';

import { LiveRegion } from '../parts/announce';
import { Button } from '../parts/button';
import { Toasts } from '../parts/toasts';
import { SignIn } from '../screens/signin/signin';
import { route } from './routes';
import { resumeSession, session, sessionProblem } from './session';
import { Shell } from './shell';
import { screenOf } from './screens';

// Another screen begins at its top. A screen that keeps its place goes there when it is drawn.
const shown = computed(() => screenOf(route.value).key);
effect(() => {
  void shown.value;
  scrollTo(0, 0);
});

export function App() {
  useEffect(() => void resumeSession(), []);
  return (
    <>
      <Content />
      <Toasts />
      <LiveRegion />
    </>
  );
}

function Content() {
  if (sessionProblem.value) {
    return (
      <main class="start glass">
        <h1>Reelworks Studio</h1>
        <p role="alert">{sessionProblem.value}</p>
        <Button onClick={() => void resumeSession()}>Try again</Button>
      </main>
    );
  }
  if (session.value === undefined) return <main class="start" aria-busy="true" aria-label="Reelworks Studio starts" />;
  if (session.value === null) return <SignIn />;
  const screen = screenOf(route.value);
  return (
    <Shell>
      <screen.View key={screen.key} />
    </Shell>
  );
}
