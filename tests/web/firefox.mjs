// Uses the page in Firefox: node firefox.mjs FIREFOX PAGE PROMPT. Prints one JSON document: what a person saw.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const studio = createRequire(new URL('../../studio/package.json', import.meta.url));
const { default: puppeteer } = await import(pathToFileURL(studio.resolve('puppeteer-core')));
const [firefox, address, prompt] = process.argv.slice(2);

const browser = await puppeteer.launch({ browser: 'firefox', executablePath: firefox, headless: true });
try {
  const page = await browser.newPage();
  const messages = [];
  page.on('console', (message) => messages.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => messages.push(String(error)));
  page.setDefaultTimeout(60_000);
  await page.goto(address);
  console.log(JSON.stringify({ messages, version: await browser.version(), title: await page.title(), prompt }));
} finally {
  await browser.close();
}
