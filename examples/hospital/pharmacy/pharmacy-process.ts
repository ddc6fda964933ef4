/** The example service as a process of its own: started by the demo, told what to do over its channel, ended with it. */
import type { PharmacyEvent, PharmacyRequest } from './messages.ts';
import { type Pharmacy, startPharmacy } from './pharmacy.ts';

const PROGRESS_EVERY_MS = 100;

let pharmacy: Pharmacy | undefined;
let timer: NodeJS.Timeout | undefined;

function tell(event: PharmacyEvent): void {
  process.send?.(event, () => {});
}

process.on('message', (request: PharmacyRequest) => {
  switch (request.type) {
    case 'start':
      pharmacy = startPharmacy(request.options, request.records);
      timer = setInterval(
        () => pharmacy && tell({ type: 'progress', progress: pharmacy.progress() }),
        PROGRESS_EVERY_MS,
      );
      return;
    case 'stage':
      pharmacy?.beginStage(request.stage);
      tell({ type: 'stage-begun', stage: request.stage });
      return;
    case 'stop':
      clearInterval(timer);
      void pharmacy?.stop().then((result) => {
        process.send?.({ type: 'result', result } satisfies PharmacyEvent, () => process.disconnect());
      });
  }
});
process.on('disconnect', () => process.exit());
// It waits for what it is told.
process.channel?.ref();

tell({ type: 'ready' });
