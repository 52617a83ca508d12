import { render } from 'preact';

import { App } from './app/app';
import { followTheme } from './app/theme';
import { startLive } from './state/live';
import './styles/tokens.css';
import './styles/base.css';
import './styles/parts.css';
import './styles/data.css';
import './styles/shell.css';

followTheme();
startLive();
const place = document.getElementById('studio');
if (place) render(<App />, place);
