/** Uploads with their progress, which `fetch` does not tell. */
import { address, changing, refused } from './client';
import { asProblem, problemOf } from './problem';
import type { Upload } from './schemas';

interface Options {
  /** Gets the sent part of the file, 0 to 1. */
  onProgress: (part: number) => void;
  signal: AbortSignal;
}

/** Store a picture or a video. Throws a Problem, and the reason of the signal when that ends the upload. */
export function upload(file: Blob, { onProgress, signal }: Options): Promise<Upload> {
  const path = '/v1/uploads';
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open('POST', address(path));
    for (const [name, value] of Object.entries(changing())) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
    request.onerror = () => failed(asProblem(null));
    request.onabort = () => failed(signal.reason);
    request.onload = () => {
      const response = responseOf(request);
      if (response.ok) void response.json().then(done, failed);
      else void problemOf(response).then((problem) => failed(refused(problem, path)));
    };
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.send(file);
  });
}

function responseOf(request: XMLHttpRequest): Response {
  const headers = new Headers();
  for (const line of request.getAllResponseHeaders().split('\r\n')) {
    const [name, value] = line.split(': ', 2);
    if (name && value !== undefined) headers.append(name, value);
  }
  return new Response(request.responseText, { status: request.status, headers });
}
