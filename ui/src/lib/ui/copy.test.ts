import { afterEach, describe, expect, it, vi } from 'vitest';
import { toasts } from '../state/toasts.svelte';
import { copyPicture, picturesCopied } from './copy';

const PNG = new Blob(['x'], { type: 'image/png' });

describe('a picture on the clipboard', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    for (const { id } of toasts.list) toasts.close(id);
  });
  it('is not offered where the web view takes none', () => {
    expect(picturesCopied()).toBe(false);
    vi.stubGlobal('ClipboardItem', class {});
    expect(picturesCopied()).toBe(true);
    vi.stubGlobal('ClipboardItem', class { static supports(type: string): boolean { return type === 'text/plain'; } });
    expect(picturesCopied()).toBe(false);
  });
  it('is given while it is still being drawn, since the clipboard closes after a click', async () => {
    const write = vi.fn(() => Promise.resolve());
    vi.stubGlobal('ClipboardItem', class { constructor(readonly items: Record<string, Promise<Blob>>) {} });
    vi.stubGlobal('navigator', { clipboard: { write } });
    const done = copyPicture(new Promise((drawn) => { setTimeout(() => { drawn(PNG); }, 5); }), 'Requests');
    expect(write).toHaveBeenCalledOnce();
    await done;
    expect(toasts.list.map((t) => `${t.title}: ${t.text}`)).toEqual(['Copied as picture: Requests']);
  });
  it('says so where the system refuses it', async () => {
    vi.stubGlobal('ClipboardItem', class {});
    vi.stubGlobal('navigator', { clipboard: { write: () => Promise.reject(new Error('no')) } });
    await copyPicture(Promise.resolve(PNG), 'Requests');
    expect(toasts.list.map((t) => t.title)).toEqual(['Not copied']);
  });
});
