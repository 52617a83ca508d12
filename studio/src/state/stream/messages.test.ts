import { expect, test } from 'vitest';

import { MessageReader } from './messages';

const STREAM = 'retry: 1000\n\n: still here\n\nid: 7\n\nid: 8\nevent: stage\ndata: {"a":\ndata: 1}\n\ndata: x\n\nid: 9\ndata: unfinished';

const EXPECTED = [
  { id: '7', data: '' },
  { id: '8', data: '{"a":\n1}' },
  { id: '8', data: 'x' },
];

test('messages are read from text in one piece', () => {
  expect(new MessageReader().read(STREAM)).toEqual(EXPECTED);
});

test('messages are the same wherever the text is cut', () => {
  for (let cut = 1; cut < STREAM.length; cut += 1) {
    const reader = new MessageReader();
    expect([...reader.read(STREAM.slice(0, cut)), ...reader.read(STREAM.slice(cut))]).toEqual(EXPECTED);
  }
});
