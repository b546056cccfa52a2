// What the bot sends to Slack and what Slack sends to the bot, in the words of Slack's own packages.
import type { HomeView, KnownBlock, ModalView } from "@slack/types";
import type {
  ChatPostEphemeralArguments,
  ChatPostMessageArguments,
  ChatUpdateArguments,
  ViewsOpenArguments,
  ViewsPublishArguments,
  ViewsUpdateArguments,
} from "@slack/web-api";
import type { BlockButtonAction, BlockStaticSelectAction, SlashCommand, ViewSubmitAction } from "@slack/bolt";
import type { Manifest } from "@slack/web-api/dist/types/request/manifest.js";

export type CheckedBlocks = KnownBlock[];
export type CheckedHome = HomeView;
export type CheckedModal = ModalView;
export type CheckedManifest = Manifest;
export type CheckedPostMessage = ChatPostMessageArguments;
export type CheckedUpdate = ChatUpdateArguments;
export type CheckedPostEphemeral = ChatPostEphemeralArguments;
export type CheckedOpenView = ViewsOpenArguments;
export type CheckedUpdateView = ViewsUpdateArguments;
export type CheckedPublishView = ViewsPublishArguments;
export type CheckedCommand = SlashCommand;
export type CheckedButton = BlockButtonAction;
export type CheckedSelect = BlockStaticSelectAction;
export type CheckedSubmission = ViewSubmitAction;
