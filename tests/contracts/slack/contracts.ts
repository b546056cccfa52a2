// What the bot sends to Slack and what Slack sends to the bot, in the words of Slack's own packages.
import type {
  AppHomeOpenedEvent,
  AppUninstalledEvent,
  HomeView,
  KnownBlock,
  ModalView,
  SubteamMembersChangedEvent,
  TokensRevokedEvent,
} from "@slack/types";
import type {
  AppsConnectionsOpenResponse,
  AuthTestResponse,
  ChatPostEphemeralArguments,
  ChatPostEphemeralResponse,
  ChatPostMessageArguments,
  ChatPostMessageResponse,
  ChatUpdateArguments,
  ChatUpdateResponse,
  ConversationsHistoryArguments,
  ConversationsHistoryResponse,
  ConversationsOpenArguments,
  ConversationsOpenResponse,
  ConversationsRepliesArguments,
  ConversationsRepliesResponse,
  FilesCompleteUploadExternalArguments,
  FilesCompleteUploadExternalResponse,
  FilesGetUploadURLExternalArguments,
  FilesGetUploadURLExternalResponse,
  UsergroupsUsersListArguments,
  UsergroupsUsersListResponse,
  UsersInfoArguments,
  UsersInfoResponse,
  ViewsOpenArguments,
  ViewsOpenResponse,
  ViewsPublishArguments,
  ViewsPublishResponse,
  ViewsUpdateArguments,
  ViewsUpdateResponse,
} from "@slack/web-api";
import type {
  BlockButtonAction,
  BlockExternalSelectAction,
  BlockStaticSelectAction,
  BlockSuggestion,
  RespondArguments,
  SlashCommand,
  ViewClosedAction,
  ViewSubmitAction,
} from "@slack/bolt";
import type { Manifest } from "@slack/web-api/dist/types/request/manifest.js";

export type CheckedBlocks = KnownBlock[];
export type CheckedHome = HomeView;
export type CheckedModal = ModalView;
export type CheckedManifest = Manifest;

// Calls of the bot.
export type CheckedPostMessage = ChatPostMessageArguments;
export type CheckedUpdate = ChatUpdateArguments;
export type CheckedPostEphemeral = ChatPostEphemeralArguments;
export type CheckedOpenView = ViewsOpenArguments;
export type CheckedUpdateView = ViewsUpdateArguments;
export type CheckedPublishView = ViewsPublishArguments;
export type CheckedHistory = ConversationsHistoryArguments;
export type CheckedReplies = ConversationsRepliesArguments;
export type CheckedOpenConversation = ConversationsOpenArguments;
export type CheckedUser = UsersInfoArguments;
export type CheckedGroup = UsergroupsUsersListArguments;
export type CheckedUploadAddress = FilesGetUploadURLExternalArguments;
export type CheckedUploadEnd = FilesCompleteUploadExternalArguments;
export type CheckedRespond = RespondArguments;

// Answers of Slack.
export type AnsweredPostMessage = ChatPostMessageResponse;
export type AnsweredUpdate = ChatUpdateResponse;
export type AnsweredPostEphemeral = ChatPostEphemeralResponse;
export type AnsweredOpenView = ViewsOpenResponse;
export type AnsweredUpdateView = ViewsUpdateResponse;
export type AnsweredPublishView = ViewsPublishResponse;
export type AnsweredHistory = ConversationsHistoryResponse;
export type AnsweredReplies = ConversationsRepliesResponse;
export type AnsweredOpenConversation = ConversationsOpenResponse;
export type AnsweredUser = UsersInfoResponse;
export type AnsweredGroup = UsergroupsUsersListResponse;
export type AnsweredUploadAddress = FilesGetUploadURLExternalResponse;
export type AnsweredUploadEnd = FilesCompleteUploadExternalResponse;
export type AnsweredIdentity = AuthTestResponse;
export type AnsweredConnection = AppsConnectionsOpenResponse;

// Payloads that Slack sends.
export type CheckedCommand = SlashCommand;
export type CheckedButton = BlockButtonAction;
export type CheckedSelect = BlockStaticSelectAction;
export type CheckedExternalSelect = BlockExternalSelectAction;
export type CheckedSuggestion = BlockSuggestion;
export type CheckedSubmission = ViewSubmitAction;
export type CheckedClosing = ViewClosedAction;
export type CheckedHomeOpened = AppHomeOpenedEvent;
export type CheckedMembersChanged = SubteamMembersChangedEvent;
export type CheckedUninstalled = AppUninstalledEvent;
export type CheckedRevoked = TokensRevokedEvent;
