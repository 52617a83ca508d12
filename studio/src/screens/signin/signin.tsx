import { useRef, useState } from 'preact/hooks';

import { asProblem } from '../../api/problem';
import { developmentSignIn, signIn } from '../../app/session';
import { ThemeChoice } from '../../app/theme-choice';
import { Button } from '../../parts/button';
import { Field } from '../../parts/field';
import './signin.css';

/** Signs in with an API key. The key goes to the gateway, and stays in no place of the browser. */
export function SignIn() {
  return (
    <main class="signin">
      <div class="signin-theme">
        <ThemeChoice />
      </div>
      <section class="signin-hero" aria-hidden="true">
        <Reel />
      </section>
      <section class="glass panel signin-panel">
        <header>
          <h1>
            <img src="./icon.svg" alt="" width="36" height="36" /> Reelworks Studio
          </h1>
          <p class="soft">Images and videos from words. See the price before, and watch them come.</p>
        </header>
        <KeyForm />
        {developmentSignIn.value ? <Development /> : null}
      </section>
    </main>
  );
}

function KeyForm() {
  const [key, setKey] = useState('');
  const [isShown, setIsShown] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (isBusy) return;
    const problem = key.trim() ? await tried(() => signIn(key.trim()), setIsBusy) : 'Enter your API key.';
    setError(problem);
    if (problem) field.current?.focus();
  };
  return (
    <form class="signin-form" aria-label="Sign in" noValidate onSubmit={(event) => void submit(event)}>
      {/* Browsers that keep the key file it under this name. */}
      <input type="text" name="username" value="Reelworks API key" autoComplete="username" readOnly hidden />
      <Field label="API key" hint="Begins with rw_. Your operator, or the page Account, makes keys.">
        {(ids) => (
          <div class="signin-key">
            <input
              {...ids}
              ref={field}
              class="input"
              name="api_key"
              type={(isShown ? 'text' : 'password') as 'password'}
              value={key}
              placeholder="rw_…"
              autoComplete="current-password"
              autoCapitalize="off"
              spellcheck={false}
              autoFocus
              required
              aria-invalid={error ? true : undefined}
              aria-describedby={`${ids['aria-describedby'] ?? ''} signin-error`.trim()}
              onInput={(event) => {
                setKey(event.currentTarget.value);
                setError(null);
              }}
            />
            <Button
              kind="quiet"
              icon="eye"
              label={isShown ? 'Hide the key' : 'Show the key'}
              aria-pressed={isShown}
              onClick={() => setIsShown(!isShown)}
            />
          </div>
        )}
      </Field>
      <p class="signin-error field-error" id="signin-error" role="alert">
        {error}
      </p>
      <Button kind="main" type="submit" isBusy={isBusy}>
        Sign in
      </Button>
    </form>
  );
}

/** A development system on this machine needs no key. */
function Development() {
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  return (
    <div class="signin-development">
      <p class="soft">This is a development system on your machine.</p>
      <Button icon="arrow" isBusy={isBusy} onClick={async () => setError(await tried(() => signIn(), setIsBusy))}>
        Go on without a key
      </Button>
      <p class="field-error" role="alert">
        {error}
      </p>
    </div>
  );
}

/** Run a sign-in; the reason if it fails. */
async function tried(run: () => Promise<void>, setIsBusy: (isBusy: boolean) => void): Promise<string | null> {
  setIsBusy(true);
  try {
    await run();
    return null;
  } catch (thrown) {
    return asProblem(thrown).message;
  } finally {
    setIsBusy(false);
  }
}

/** A strip of film that comes out of words. */
function Reel() {
  return (
    <svg viewBox="0 0 480 440" role="presentation">
      <defs>
        <linearGradient id="reel" x1="0" y1="0" x2="1" y2="1">
          <stop offset="0" stop-color="#7b61ff" />
          <stop offset="1" stop-color="#7bd7ff" />
        </linearGradient>
      </defs>
      {[0, 1, 2].map((place) => (
        <g key={place} transform={`translate(${20 + place * 90} ${270 - place * 92}) rotate(-12)`}>
          <rect class="frame" width="230" height="132" rx="14" />
          <path class="holes" d="M14 12h204M14 120h204" />
          <path class="hill" d={`M12 108L${70 + place * 14} ${54 - place * 4}L120 92L${160 - place * 8} 64L218 108z`} />
          <circle class="sun" cx={170 - place * 40} cy="44" r="15" />
        </g>
      ))}
    </svg>
  );
}
