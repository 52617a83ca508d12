// Uses the page in Firefox: node firefox.mjs FIREFOX ADDRESS PROMPT. Prints one JSON document: what a person saw.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const studio = createRequire(new URL('../../studio/package.json', import.meta.url));
const { default: puppeteer } = await import(pathToFileURL(studio.resolve('puppeteer-core')));
const [firefox, address, prompt] = process.argv.slice(2);

const browser = await puppeteer.launch({ browser: 'firefox', executablePath: firefox, headless: true, protocolTimeout: 180_000 });
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(90_000);
  const messages = [];
  page.on('console', (message) => messages.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => messages.push(String(error)));

  // A development system signs in by itself.
  await page.goto(address);
  await page.locator('textarea[name=prompt]').fill(prompt);
  await page.locator('button::-p-text(Generate image)').click();
  const view = await page.locator(`article[aria-label$="${prompt}"] ::-p-text(View)`).waitHandle();
  await view.click();
  const picture = await page.locator('figure img').waitHandle();
  const width = await picture.evaluate(async (image) => {
    await image.decode();
    return image.naturalWidth;
  });
  console.log(JSON.stringify({ messages, width }));
} finally {
  await browser.close();
}
