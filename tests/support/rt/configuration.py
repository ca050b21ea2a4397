"""The files a private RT is made from: its settings, its people, queues and fields.

REST can neither grant rights nor make custom roles, so all that is not a ticket is written as RT's own initial data.
"""

from __future__ import annotations

SETTINGS = r"""
use utf8;
my $home = $ENV{RT_HOME} or die 'RT_HOME is not set';
$RT::VarPath         = "$home/var";
$RT::MasonDataDir    = "$home/mason";
$RT::MasonSessionDir = "$home/session";
Set($rtname, 'rt.test.example');
Set($Organization, 'rt.test.example');
Set($CorrespondAddress, 'rt@rt.test.example');
Set($CommentAddress, 'rt-comment@rt.test.example');
Set($WebDomain, '127.0.0.1');
Set($WebPort, $ENV{RT_PORT});
Set($WebPath, '');
Set($DatabaseType, 'SQLite');
Set($DatabaseName, "$home/rt.sqlite");
Set($Timezone, $ENV{RT_TIMEZONE});
Set($BcryptCost, 4);
Set($MailCommand, 'mbox');
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'error');
1;
"""

PASSWORDS = {
    "root": "password",
    "agent": "agent-pass",
    "agent-ny": "agent-pass",
    "limited": "limited-pass",
    "norights": "norights-pass",
}
"""Users by what they may do: everything; everything with tickets (twice, once in New York); see one queue; nothing."""

QUEUES = ("General", "Support", "Infra", "Développement, été")

DATA = r"""
use utf8;
our (@Queues, @Groups, @Users, @Members, @ACL, @CustomFields, @CustomRoles);

@Queues = map { { Name => $_, Description => "the queue $_" } } ('Support', 'Infra', 'Développement, été');

@Users = (
    { Name => 'agent', Password => 'agent-pass', EmailAddress => 'agent@example.com', RealName => 'An Agent' },
    { Name => 'agent-ny', Password => 'agent-pass', EmailAddress => 'agent-ny@example.com',
      RealName => 'Agent in New York', Timezone => 'America/New_York' },
    { Name => 'limited', Password => 'limited-pass', EmailAddress => 'limited@example.com', RealName => 'Sees General' },
    { Name => 'norights', Password => 'norights-pass', EmailAddress => 'norights@example.com', RealName => 'Sees nothing' },
    (map { { Name => sprintf('user%02d', $_), EmailAddress => sprintf('user%02d@example.com', $_),
             RealName => "User Ünïque $_", Organization => 'Users & Sons' } } 1 .. 6),
);
$_->{Privileged} = 1 for @Users;

@Groups = (
    { Name => 'Staff', Domain => 'UserDefined', Description => 'may do everything with tickets' },
    { Name => 'Everyone else', Domain => 'UserDefined' },
);
@Members = (
    (map { { Group => 'Staff', GroupDomain => 'UserDefined', Class => 'RT::User', Name => $_ } } qw(agent agent-ny)),
    { Group => 'Everyone else', GroupDomain => 'UserDefined', Class => 'RT::Group', Name => 'Staff',
      Domain => 'UserDefined' },
    { Group => 'Everyone else', GroupDomain => 'UserDefined', Class => 'RT::User', Name => 'user01' },
);
@ACL = (
    (map { { GroupDomain => 'UserDefined', GroupId => 'Staff', Right => $_ } } qw(
        SeeQueue ShowTicket ShowTicketComments ShowOutgoingEmail CreateTicket ModifyTicket OwnTicket TakeTicket
        StealTicket DeleteTicket CommentOnTicket ReplyToTicket Watch WatchAsAdminCc SeeCustomField
        ModifyCustomField SetInitialCustomField SeeGroup ModifySelf ManageAuthTokens)),
    (map { { UserId => 'limited', Right => $_, ObjectType => 'RT::Queue', ObjectId => 'General' } }
        qw(SeeQueue ShowTicket ReplyToTicket)),
);

my %ticket = (LookupType => 'RT::Queue-RT::Ticket');
@CustomFields = (
    { %ticket, Name => 'Severity', Type => 'Select', MaxValues => 1,
      Values => [ map { { Name => $_ } } qw(low normal high critical) ] },
    { %ticket, Name => 'Platforms', Type => 'Select', MaxValues => 0,
      Values => [ map { { Name => $_ } } qw(linux windows macos bsd) ] },
    { %ticket, Name => 'Tags', Type => 'Freeform', MaxValues => 0 },
    { %ticket, Name => 'External ID', Type => 'Freeform', MaxValues => 1 },
    { %ticket, Name => 'Target Date', Type => 'Date', MaxValues => 1 },
    { %ticket, Name => 'Seen At', Type => 'DateTime', MaxValues => 1 },
    { %ticket, Name => 'Visits', Type => 'DateTime', MaxValues => 0 },
    { %ticket, Name => 'Notes', Type => 'Text', MaxValues => 1 },
    { %ticket, Name => 'Picture', Type => 'Image', MaxValues => 1 },
    { %ticket, Name => 'Host', Type => 'Freeform', MaxValues => 1, ApplyTo => 'Infra' },
    { %ticket, Name => 'Host', Type => 'Freeform', MaxValues => 1, ApplyTo => 'Support' },
    { LookupType => 'RT::User', Name => 'Shoe Size', Type => 'Freeform', MaxValues => 1 },
);

@CustomRoles = (
    { Name => 'Engineer', MaxValues => 1, ApplyTo => ['General', 'Infra'] },
    { Name => 'Sales', MaxValues => 0, ApplyTo => ['General'] },
);
1;
"""

TOKENS = r"""
use RT -init;
use JSON ();
use Digest::MD5 ();
no warnings 'redefine';
my (%tokens, $current);
*RT::AuthToken::_GenerateToken = sub { Digest::MD5::md5_hex("token of $current") };  # the same in every database
for my $name (@ARGV) {
    $current = $name;
    my $user = RT::User->new(RT->SystemUser);
    $user->Load($name);
    my ($id, $message, $token) = RT::AuthToken->new(RT->SystemUser)->Create(Owner => $user->Id, Description => 'tests');
    die "no token for $name: $message" unless $id;
    $tokens{$name} = $token;
}
print JSON::encode_json(\%tokens);
"""

SHRED = r"""
use RT -init;
use RT::Shredder;
RT::Shredder::Init(force => 1);
my $shredder = RT::Shredder->new(force => 1);
my $ticket = RT::Ticket->new(RT->SystemUser);
$ticket->Load($ARGV[0]);
$shredder->PutObjects(Objects => $ticket);
$shredder->WipeoutAll;
"""
