// Uses the page in Firefox: node firefox.mjs FIREFOX ADDRESS PROMPT. Prints one JSON document: what a person saw.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const studio = createRequire(new URL('../../studio/package.json', import.meta.url));
const { default: puppeteer } = await import(pathToFileURL(studio.resolve('puppeteer-core')));
const [firefox, address, prompt] = process.argv.slice(2);

const browser = await puppeteer.launch({ browser: 'firefox', executablePath: firefox, headless: true, protocolTimeout: 300_000 });
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(300_000);
  const messages = [];
  page.on('console', (message) => messages.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => messages.push(String(error)));

  // A development system signs in by itself.
  await page.goto(address);
  await (await seen(page, 'textarea[name=prompt]')).type(prompt);
  await (await seen(page, 'button::-p-text(Generate image)')).click();
  await (await seen(page, `article[aria-label$="${prompt}"] ::-p-text(View)`)).click();
  const picture = await seen(page, 'figure img');
  const width = await picture.evaluate(async (image) => {
    await image.decode();
    return image.naturalWidth;
  });
  console.log(JSON.stringify({ messages, width }));
} finally {
  await browser.close();
}

// Puppeteer's locators wait for conditions of their own, which Firefox does not always fulfil.
function seen(page, selector) {
  return page.waitForSelector(selector, { visible: true });
}
