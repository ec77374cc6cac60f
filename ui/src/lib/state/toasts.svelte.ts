/** What just happened, bottom right. Errors stay until closed. */

export interface Toast {
  id: number;
  tone: 'ok' | 'bad' | 'info';
  title: string;
  text: string;
  action: { label: string; run: () => void } | null;
}

const STAYS_MS = 6000;

class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;

  show(toast: Omit<Toast, 'id' | 'action'> & { action?: Toast['action'] }): void {
    const id = this.#next++;
    // What went well takes the place of the last thing that went well in the same way.
    const others = this.list.filter((t) => t.tone === 'bad' || toast.tone === 'bad' || t.title !== toast.title);
    this.list = [...others.slice(-3), { action: null, ...toast, id }];
    if (toast.tone !== 'bad') setTimeout(() => { this.close(id); }, STAYS_MS);
  }

  close(id: number): void {
    this.list = this.list.filter((t) => t.id !== id);
  }
}

export const toasts = new Toasts();
