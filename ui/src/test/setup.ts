import { vi } from 'vitest';

// What jsdom lacks and uPlot, bits-ui and the theme ask for.
vi.stubGlobal('matchMedia', (query: string) => ({
  matches: false, media: query, onchange: null,
  addEventListener: () => undefined, removeEventListener: () => undefined,
  addListener: () => undefined, removeListener: () => undefined, dispatchEvent: () => false,
}));
vi.stubGlobal('ResizeObserver', class { observe(): void {} unobserve(): void {} disconnect(): void {} });
vi.stubGlobal('Path2D', class { moveTo(): void {} lineTo(): void {} rect(): void {} closePath(): void {} });
vi.stubGlobal('DOMMatrix', class { scale(): this { return this; } });

/** A canvas that takes every call and draws nothing. */
function blank(canvas: HTMLCanvasElement): unknown {
  const known: Record<PropertyKey, unknown> = { canvas, measureText: () => ({ width: 40 }), createPattern: () => ({ setTransform: () => undefined }) };
  return new Proxy(known, { get: (target, key) => (key in target ? target[key] : () => undefined), set: (target, key, value) => { target[key] = value; return true; } });
}
Object.defineProperty(HTMLCanvasElement.prototype, 'getContext', { value(this: HTMLCanvasElement) { return blank(this); } });
Element.prototype.scrollIntoView = () => undefined;
HTMLDialogElement.prototype.showModal = function show(this: HTMLDialogElement) { this.open = true; };
HTMLDialogElement.prototype.close = function close(this: HTMLDialogElement) { this.open = false; this.dispatchEvent(new Event('close')); };
