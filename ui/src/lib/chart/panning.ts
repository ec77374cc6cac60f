/** Moving a chart sideways: shift and drag, or a wheel that turns sideways (or with shift). */

export interface PanHandlers {
  pan: (byMs: number, done: boolean) => void;
}

/** A wheel says nothing of its end. */
const WHEEL_REST_MS = 160;

/** Listens until the function that it gives is called. `toMs` turns pixels into time. */
export function panning(target: HTMLElement, toMs: (px: number) => number, handlers: PanHandlers): () => void {
  let from: number | null = null;
  let turned = 0;
  let rest: ReturnType<typeof setTimeout> | undefined;

  const press = (event: MouseEvent): void => {
    if (!event.shiftKey || event.button !== 0) return;
    // Else the chart would take it for a selection.
    event.stopPropagation();
    event.preventDefault();
    from = event.clientX;
    addEventListener('mousemove', drag);
    addEventListener('mouseup', release);
  };
  const drag = (event: MouseEvent): void => { if (from !== null) handlers.pan(toMs(from - event.clientX), false); };
  const release = (event: MouseEvent): void => {
    removeEventListener('mousemove', drag);
    removeEventListener('mouseup', release);
    if (from !== null) handlers.pan(toMs(from - event.clientX), true);
    from = null;
  };
  const wheel = (event: WheelEvent): void => {
    const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
    if (sideways === 0 || (Math.abs(event.deltaY) > Math.abs(event.deltaX) && !event.shiftKey)) return;
    event.preventDefault();
    turned += sideways;
    handlers.pan(toMs(turned), false);
    clearTimeout(rest);
    rest = setTimeout(() => { handlers.pan(toMs(turned), true); turned = 0; }, WHEEL_REST_MS);
  };
  // The click that ends a drag with shift is none.
  const click = (event: MouseEvent): void => { if (event.shiftKey) event.stopPropagation(); };

  target.addEventListener('mousedown', press, true);
  target.addEventListener('click', click, true);
  target.addEventListener('wheel', wheel, { passive: false });
  return () => {
    clearTimeout(rest);
    target.removeEventListener('mousedown', press, true);
    target.removeEventListener('click', click, true);
    target.removeEventListener('wheel', wheel);
    removeEventListener('mousemove', drag);
    removeEventListener('mouseup', release);
  };
}
