import { route } from '../../../app/routes';
import { Deliveries } from './deliveries';
import { Endpoints } from './endpoints';

/** The webhook endpoints, or the deliveries of one: `#/account/webhooks/ID`. */
export function Webhooks() {
  const id = route.value.path[2];
  return id ? <Deliveries key={id} endpointId={id} /> : <Endpoints />;
}
