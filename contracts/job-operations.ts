import { z } from 'zod';
import { filledText } from './job-fields.ts';

const alertRuleSchema = z.strictObject({
  name: filledText().describe('Name of the rule in the alert.'),
  condition: filledText().describe(
    'SQL condition over the metrics of a run, such as "daily_cost > avg_cost_7d * 1.5".',
  ),
  action: filledText().describe('What happens: slack_notification, email, webhook, ….'),
  channel: filledText().optional().describe('Channel that slack_notification writes to, such as "#finops-alerts".'),
  recipients: z.array(filledText()).optional().describe('Addresses that email writes to.'),
  url: filledText().optional().describe('Address that webhook calls.'),
});

/** `alert_rules`: who is told what after a run. */
export const alertRulesSchema = z.array(alertRuleSchema);
