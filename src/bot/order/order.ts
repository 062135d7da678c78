import type {
  BaseInteraction,
  MessageComponentInteraction,
  RepliableInteraction,
} from 'discord.js';
import { UserError } from '../../engine/errors.ts';
import { type AutoSteps, savedBy } from '../../explore/calibration/calibration.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import type { Job, NewJob } from '../../queue/job.ts';
import type { Scene } from '../interaction/command.ts';
import type { CustomId } from '../interaction/custom-id.ts';
import { maySee } from './visibility.ts';
import { isUserInstalled } from '../interaction/user-installed.ts';
import { isFromHidden } from '../interaction/origin.ts';
import { missingToPost } from '../interaction/permissions.ts';
import { permitOrder } from '../policy/gate.ts';
import { limitWords, whatIsLeft } from '../policy/limit-words.ts';
import {
  LEAST_ATTACHMENT_LIMIT,
  TOKEN_LIFE_MS,
  addressIn,
  messageUrl,
} from '../reply/reply-address.ts';
import { toContext } from '../reply/reply-address.ts';
import type { AutoNote, Lineage, ReplyAddress } from '../reply/reply-address.ts';

/**
 * The one way a picture is ordered, whatever asked for it: permissions, acknowledgement, queue, reply.
 * The job is stored only after Discord knows that an answer comes.
 * @throws UserError when the server's rules or limits are against it, LostInteractionError when nobody would see the result
 */
export async function placeOrder(
  interaction: RepliableInteraction | MessageComponentInteraction,
  scene: Scene,
  request: GenerateRequest,
  parent: Parent | null,
  wanted: SeenBy = seenLike(interaction),
  told: Told = {},
): Promise<void> {
  const { answer, line, replies } = scene;
  const seenBy = isUserInstalled(interaction) ? 'private' : wanted;
  if (seenBy === 'public') checkMayPost(interaction, scene);
  const copy = told.copy ?? null;
  const granted = await permitOrder(interaction, scene, request, copy);
  const { allowance, weight, spoiler, explicit, previews } = granted;
  const lineage = lineageOf(parent, seenBy);
  await answer.acknowledge(seenBy);
  const address = {
    ...addressOf(interaction, scene, lineage, seenBy, granted.language),
    ...told,
    spoiler: spoiler || told.spoiler === true,
    // A copy was seen by a safety checker where its picture was.
    explicit: copy === null ? explicit : told.explicit === true,
    previews,
  };
  const order: NewJob = {
    key: interaction.id,
    guildId: interaction.guildId ?? `dm:${interaction.user.id}`,
    userId: interaction.user.id,
    request,
    context: toContext(address),
    parentId: parent !== null && 'job' in parent ? parent.job.id : (copy?.of ?? null),
    weight,
  };
  const job = await line.submit(order, allowance).catch((error: unknown) => {
    throw limitWords(error, scene.text);
  });
  answer.handOver();
  replies.open(job);
  const left = await whatIsLeft(interaction, scene, { nearOnly: true });
  if (left === null) return;
  // a message of its own would become the text of the one that still says "thinking…"
  await replies.shown(job.id);
  await answer.tell(left);
}

/** What the reply says of the order beside its recipe, and what a new seed chooses from. */
export type Told = Pick<
  ReplyAddress,
  'auto' | 'notes' | 'template' | 'copy' | 'copyOf' | 'spoiler' | 'explicit'
>;

/** What a picture comes from: a job of ours, or a message with a picture that somebody else made. */
export type Parent = { job: Job; kind: Lineage['kind'] } | Lineage;

/** Makes what a reply says of automatic steps: why they were kept, or the seconds saved; null where nothing was. */
export function noteOf(auto: AutoSteps): AutoNote | null {
  if (auto.why !== null) return { why: auto.why };
  const saved = savedBy(auto, auto.steps);
  return saved && { seconds: saved.seconds };
}

/** `private`: an ephemeral reply, which only the asker sees. */
export type SeenBy = 'public' | 'private';

/** What comes of a button is seen by whoever sees the button. */
export function seenLike(interaction: RepliableInteraction | MessageComponentInteraction): SeenBy {
  return isFromHidden(interaction) ? 'private' : 'public';
}

/** @throws UserError when the bot lacks a permission it will need to show a picture there */
export function checkMayPost(
  interaction: RepliableInteraction | MessageComponentInteraction,
  { text }: Scene,
): void {
  const missing = missingToPost(interaction.appPermissions, {
    inGuild: interaction.inGuild(),
    inThread: interaction.channel?.isThread() ?? false,
  });
  if (missing.length === 0) return;
  const names = missing.map((name) => text.permissionNames[name]);
  throw new UserError(text.missingPermissions(names.join(', ')));
}

/** Where the reply to this interaction lives, once it is acknowledged. */
export function addressOf(
  interaction: RepliableInteraction | MessageComponentInteraction,
  { answer, own }: Scene,
  lineage: Lineage | null,
  seenBy: SeenBy = 'public',
  language: string | null = null,
): ReplyAddress {
  return {
    applicationId: interaction.applicationId,
    token: interaction.token,
    tokenUntil: Date.now() + TOKEN_LIFE_MS,
    channelId: interaction.channelId ?? '0',
    messageId: answer.messageId,
    guildId: interaction.guildId,
    // What everybody sees speaks the server's language, what one person sees theirs.
    locale:
      seenBy === 'public'
        ? (language ?? interaction.guildLocale ?? own.language ?? interaction.locale)
        : (own.language ?? interaction.locale),
    private: seenBy === 'private',
    attachmentLimit: interaction.attachmentSizeLimit || LEAST_ATTACHMENT_LIMIT,
    lineage,
  };
}

function lineageOf(parent: Parent | null, seenBy: SeenBy): Lineage | null {
  if (parent === null || 'url' in parent) return parent;
  const address = addressIn(parent.job.context);
  // A private message can be linked to by nobody but its owner.
  const reachable = address !== null && (!address.private || seenBy === 'private');
  return { kind: parent.kind, url: reachable ? messageUrl(address) : null };
}

/**
 * The job a button belongs to. @throws UserError when it is not recorded (any more), or not for this person: in the
 * same words, so that a forged id tells nothing
 */
export async function jobOf(
  id: CustomId,
  interaction: BaseInteraction,
  scene: Scene,
): Promise<Job> {
  const job = await scene.archive.get(id.jobId);
  if (job === null || !(await maySee(job, interaction, scene)))
    throw new UserError(scene.text.jobGone);
  return job;
}
